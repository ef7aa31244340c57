"""How the HTML report is divided. Its menu is sorted, so categories have numbers."""

PAPER_ITSELF = "1 Paper"
COMPARISON = "2 Published against reproduced"
TABLES_OF_ALL = "3 Tables"
FIGURES_OF_ALL = "4 Figures"
CURVES = "5 Training curves"
ROLLOUTS = "6 Rollouts"
RECIPES = "7 Recipes and costs"

# Papers by how the names of their published tables begin.
PAPERS = {
    "smartr1": "SMART-R1",
    "rlftsim": "RLFTSim",
    "peng": "Peng et al.",
    "catk": "CAT-K",
    "trajtok": "TrajTok",
}


def paper_of(table):
    """The paper whose table it reproduces."""
    published = PLAN.tables[table].settings.published or ""
    return PAPERS.get(published.partition("_")[0], "Our own")


def category_of(figure):
    """What a figure shows: training, rollouts, or results."""
    reads = PLAN.figures[figure].reads
    if "pictures" in reads or "manoeuvres" in reads:
        return ROLLOUTS
    return CURVES if "histories" in reads else FIGURES_OF_ALL
