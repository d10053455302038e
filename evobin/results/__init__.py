"""What searches, evaluations and inspections return."""
