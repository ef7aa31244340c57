"""Power analysis: which published differences so many scenes and seeds would resolve."""
