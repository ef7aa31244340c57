# `snakemake` finds this file. The workflow itself is in workflow/Snakefile.
#
# A Snakefile that only includes another has no default target, so it gets one here.


include: "workflow/Snakefile"


rule default:
    input:
        rules.all.input,
    default_target: True
    localrule: True
