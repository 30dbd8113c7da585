"""The queue of outgoing messages: written in the transaction that has something to say, sent later by a job."""
