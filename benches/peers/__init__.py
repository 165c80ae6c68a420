"""What agentpdp is measured against, and agentpdp itself, each asked the same `Workload`."""
