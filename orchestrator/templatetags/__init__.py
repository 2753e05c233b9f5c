"""What templates may call beside Django's own filters. Small, pure, without queries; rows are prepared by `reads`."""
