"""Settings of the private Slurm: everything on loopback, every wait as short as Slurm allows."""

import socket
from pathlib import Path

NODES = ("n1", "n2", "n3")
GPUS = 2
CPUS = 4
MEMORY_MB = 100_000

# KillWait: seconds between SIGTERM and SIGKILL. SlurmdTimeout: seconds until a node that does not
# answer is down. cred_expire: seconds that a requeued job waits. MinJobAge: seconds for which Slurm
# reports the state of a finished job.
SLURM = """\
ClusterName=private
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock,cred_expire=5
CredType=cred/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
PropagateResourceLimits=NONE
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,batch_sched_delay=0,sched_min_interval=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
ReturnToService=2
SlurmdParameters=config_overrides
SlurmdTimeout=15
SlurmctldTimeout=15
MinJobAge=3600
KillWait=10
GresTypes=gpu
{nodes}
PartitionName=work Nodes=ALL Default=YES MaxTime=60 State=UP PriorityTier=1 PreemptMode=REQUEUE
PartitionName=urgent Nodes=ALL MaxTime=60 State=UP PriorityTier=9 PreemptMode=OFF
"""
NODE = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port}"
    f" CPUs={CPUS} RealMemory={MEMORY_MB} Gres=gpu:fake:{GPUS} State=UNKNOWN"
)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody uses; all are held until the last one is found."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def write(folder: Path) -> None:
    """slurm.conf and gres.conf of a Slurm that lives in `folder`; its GPUs are copies of /dev/null."""
    host = socket.gethostname().split(".")[0]
    controller, *ports = free_ports(1 + len(NODES))
    nodes = [
        NODE.format(name=name, host=host, port=port)
        for name, port in zip(NODES, ports, strict=True)
    ]
    (folder / "slurm.conf").write_text(
        SLURM.format(folder=folder, host=host, controller=controller, nodes="\n".join(nodes))
    )
    (folder / "gres.conf").write_text(
        "".join(
            f"NodeName={name} Name=gpu Type=fake File={folder}/dev/{name}-{number}\n"
            for name in NODES
            for number in range(GPUS)
        )
    )
    (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
