"""`python -m benchmarks.capacity`: how many pollers a server carries; docs/capacity.md."""
