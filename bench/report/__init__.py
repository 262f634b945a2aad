"""What is said of records: boards, comparisons, orders, costs, effects, published numbers."""
