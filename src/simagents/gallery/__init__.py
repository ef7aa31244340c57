"""Moving pictures of kept rollouts: animations and a page to browse them."""
