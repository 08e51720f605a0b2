"""What a person types: each command reads settings, calls one stage, and prints the result."""
