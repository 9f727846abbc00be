"""What the tests share: real and fake engines, worlds on them, the program under test."""
