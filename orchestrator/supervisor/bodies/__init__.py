"""What each child does: `run(socket)` works until SIGTERM and then returns. The only part of the supervisor with Django."""
