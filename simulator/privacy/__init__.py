"""Privacy checks: what a party sees in a simulated run says nothing of the other's inputs.

* `views`: with all inputs fixed, is every bit that a party receives, opens or gets out of an OT uniform, unlike any
  other bit that it has, and the same whatever the other party put in?
* `ledger`: is anything that must be used once used twice: an input hashed under a key, a random COT, a public key?
* `seeds`: do the messages and the keys of a session change with the parties' randomness, where all that is public
  stays the same?

They prove nothing, but each finds mistakes that people make, and says in which message. `verdict` asks all three of
one protocol; `tests/privacy` holds every registered protocol to them.
"""
