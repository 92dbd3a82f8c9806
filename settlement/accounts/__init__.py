"""What participants owe and are owed, by the law: bank account, interest on late money, cover."""
