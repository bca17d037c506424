"""What is read out of a ledger: tables of rates, and transcripts."""
