"""Help for those who write scenario packs: start one, check it, look at it, play it by hand."""
