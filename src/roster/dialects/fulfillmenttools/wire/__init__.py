"""Requests and answers, member by member as the contract has them. Unknown members of requests are ignored."""
