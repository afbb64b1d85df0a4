#!/bin/bash
# SLURM with several nodes on one machine, for tests: as root, without systemd, accounting or cgroups.
# It needs Debian's packages: apt-get install -y --no-install-recommends slurm-wlm munge
#
#   slurm.sh start [NODES]   start what does not run yet, and wait until the nodes are idle
#   slurm.sh env             the line that lets sbatch and the others find it: eval "$(slurm.sh env)"
#   slurm.sh status          nodes and jobs
#   slurm.sh stop            end what `start` has started, and remove its folder
#
# Everything lies in one folder, XAFSFLOW_SLURM_HOME; nothing in /etc is read or written.
set -euo pipefail

home=${XAFSFLOW_SLURM_HOME:-/run/xafsflow-slurm}
nodes=${2:-3}
export SLURM_CONF=$home/slurm.conf

# Whether the process that a file names is there and is the program it should be.
runs() { [ -s "$1" ] && [ "$(cat "/proc/$(cat "$1")/comm" 2>/dev/null)" = "$2" ]; }

configure() {
    local host
    host=$(hostname -s)
    cat >"$SLURM_CONF" <<CONF
ClusterName=xafsflowtest
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=17100
AuthType=auth/munge
AuthInfo=socket=$home/munge/socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$home/state
SlurmdSpoolDir=$home/spool-%n
SlurmctldPidFile=$home/slurmctld.pid
SlurmdPidFile=$home/slurmd-%n.pid
SlurmctldLogFile=$home/slurmctld.log
SlurmdLogFile=$home/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=5,batch_sched_delay=0
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout=60
KillWait=5
SlurmdParameters=config_overrides
NodeName=n[1-$nodes] NodeHostname=$host NodeAddr=127.0.0.1 Port=[17101-$((17100 + nodes))] CPUs=$(nproc) RealMemory=3000 State=UNKNOWN
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
}

start_munge() {
    runs "$home/munge/pid" munged && return
    # munged refuses folders and keys that others could write.
    install -d -o munge -g munge -m 0755 "$home/munge"
    if [ ! -s "$home/munge/key" ]; then
        (umask 077 && head -c 1024 /dev/urandom >"$home/munge/key")
        chown munge:munge "$home/munge/key"
    fi
    runuser -u munge -- /usr/sbin/munged --key-file="$home/munge/key" --socket="$home/munge/socket" \
        --pid-file="$home/munge/pid" --log-file="$home/munge/log" --seed-file="$home/munge/seed"
}

wait_for_nodes() {
    for _ in $(seq 60); do
        [ "$(sinfo -h -N -t idle,alloc,mix -o %N 2>/dev/null | wc -l)" -ge "$nodes" ] && return
        sleep 0.5
    done
    echo "slurm.sh: the nodes did not become idle within 30 s; see $home/*.log" >&2
    tail -n 5 "$home"/*.log >&2
    return 1
}

start() {
    install -d -m 0755 "$home" "$home/state"
    start_munge
    runs "$home/slurmctld.pid" slurmctld || { configure && slurmctld; }
    for node in $(seq -f 'n%.0f' "$nodes"); do
        install -d -m 0755 "$home/spool-$node"
        runs "$home/slurmd-$node.pid" slurmd || slurmd -N "$node"
    done
    wait_for_nodes
    sinfo -N
}

end() { # PID-FILE PROGRAM
    runs "$1" "$2" || return 0
    local pid
    pid=$(cat "$1")
    kill "$pid"
    for _ in $(seq 40); do
        [ -d "/proc/$pid" ] || return 0
        sleep 0.25
    done
    kill -9 "$pid"
}

stop() {
    [ -d "$home" ] || return 0
    if runs "$home/slurmctld.pid" slurmctld; then
        squeue -h -o %A | sort -u | xargs -r scancel || true
        for _ in $(seq 40); do
            [ -z "$(squeue -h 2>/dev/null)" ] && break
            sleep 0.25
        done
    fi
    for file in "$home"/slurmd-*.pid; do end "$file" slurmd; done
    end "$home/slurmctld.pid" slurmctld
    end "$home/munge/pid" munged
    rm -rf "$home"
}

case "${1:-}" in
start) start ;;
env) echo "export SLURM_CONF=$SLURM_CONF" ;;
status) sinfo -N && squeue ;;
stop) stop ;;
*)
    sed -n '2,10s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
