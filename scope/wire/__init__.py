"""The wire format's Python twin: layout, decoder, encoder, definitions, segment reader and span ids."""
