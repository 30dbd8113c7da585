"""What somebody or something was like at a past moment, worked out from the present state and the audit trail."""
