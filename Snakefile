# `snakemake` finds this file. The workflow itself is in workflow/Snakefile.
#
# A Snakefile that only includes another has no default target, so it gets one here.


include: "workflow/Snakefile"


rule default:
    default_target: True
    input:
        rules.all.input,
    localrule: True
