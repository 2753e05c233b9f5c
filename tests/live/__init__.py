"""The websockets and the hub behind them."""
