"""How law is made: proposed by one person, approved by another, and then published."""
