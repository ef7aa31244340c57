"""From metres to symbols and back: motion vocabularies, map tokens, token chains."""
