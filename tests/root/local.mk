# tests/root
