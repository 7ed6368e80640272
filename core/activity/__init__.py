"""The tamper-evident activity log: what happened, in the transaction in which it happened.

It is also the outbox: whoever must react to an activity reads ``queries.since(session, seq)``.
"""
