"""Ways to look at what is stored: each only draws what the store and the passes over a trace find out."""
