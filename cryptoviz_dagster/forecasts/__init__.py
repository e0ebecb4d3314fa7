"""What the forecast assets share: history as they read it, models as they lie, which hours and days are due."""
