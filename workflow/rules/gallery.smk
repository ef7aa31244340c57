"""Kept rollouts -> when agents collide or leave the road, films, and a page that plays them."""


# Seconds each, like figures.
localrules:
    incidents,
    animation,
    browser,


rule incidents:
    input:
        pictures=f"{SCORES}/{{chunk}}.pictures.safetensors",
        scenarios=scenarios_of("validation"),
    output:
        f"{SCORES}/{{chunk}}.incidents.safetensors",
    log:
        "<logs>/incidents/{system}-{evaluation}-{chunk}.log",
    conda:
        "../../envs/simagents.yaml"
    shell:
        "simagents incidents --rollouts {input.pictures}"
        " --scenarios {input.scenarios} --out {output} >{log} 2>&1"


rule animation:
    input:
        rollouts=lambda wildcards: list(filmed(wildcards).values()),
        scenarios=scenarios_of("validation"),
    output:
        report(
            "<results>/animations/{named}/{scenario}.gif",
            caption="../report/animation.rst",
            category=ROLLOUTS,
            labels={"figure": "film of {named}, scene {scenario}"},
        ),
    log:
        "<logs>/animation/{named}-{scenario}.log",
    conda:
        "../../envs/simagents.yaml"
    params:
        rollouts=lambda wildcards: rollout_words(filmed(wildcards)),
    shell:
        "simagents animate --rollouts {params.rollouts} --scenario {wildcards.scenario}"
        " --scenarios {input.scenarios} --out {output} >{log} 2>&1"


rule browser:
    input:
        rollouts=list(browsed().values()),
        scenarios=scenarios_of("validation"),
    output:
        report(
            "<results>/browser.html",
            caption="../report/browser.rst",
            category=ROLLOUTS,
            labels={"figure": "player of all kept rollouts"},
        ),
    log:
        "<logs>/browser.log",
    conda:
        "../../envs/simagents.yaml"
    params:
        rollouts=rollout_words(browsed()),
        title=f"Rollouts at scale {PLAN.config.scale}, {PLAN.source} data",
    shell:
        "simagents browse --rollouts {params.rollouts} --title {params.title:q}"
        " --scenarios {input.scenarios} --out {output} >{log} 2>&1"


# All that the HTML report shows.
rule gallery:
    input:
        PAPER,
        BROWSER,
        FILMS,
    localrule: True
