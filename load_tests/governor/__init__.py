"""Whether the governor holds its budget: an application that calls 100,000 functions a request, under load."""
