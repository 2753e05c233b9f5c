"""The product as people meet it: a real `baton up`, and a real Chromium before it."""
