"""cryptoviz: a market-data lakehouse that can prove its numbers."""
