"""Telling people by mail and chats by webhook what the engine has noted.

What lives here: the steps that wait for people (`tasks`), whom a notice is for (`people`), a delivery for each (`telling`),
the digest of the day (`digests`), the letters and messages (`letters`, `chat`), and sending them (`sending`). What must not:
a change of run state.

Sending is at least once: a process can die between the sending and the note of it. The Message-ID of a letter, and the
Idempotency-Key of a message, are the same each time.
"""
