"""What runs inside AWS: Lambda functions and Image Builder documents."""
