"""The local Event Grid topic, its subscriptions, delivery and dead letters."""
