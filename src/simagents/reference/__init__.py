"""Results that git keeps: scores of a finished scale, and the tables and figures made from them."""
