#!/bin/sh
# A throw-away Slurm of N nodes on this host, all below DIR, as root:
#
#     slurm.sh up DIR N CPUS      then SLURM_CONF=DIR/slurm.conf srun ...
#     slurm.sh down DIR
#
# Debian's slurmctld, slurmd, slurm-client, munge; several slurmd on one host.
set -eu
verb=$1 dir=$2

# end NAME: the daemon whose pid file is run/NAME.pid, if it is still that program.
end() {
    pid=$(cat "$dir/run/$1.pid" 2>/dev/null) || return 0
    case $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") in
    *slurm* | *munge*) kill "$pid" 2>/dev/null || true ;;
    *) return 0 ;;
    esac
    timeout 10 tail --pid="$pid" -f /dev/null || kill -9 "$pid" 2>/dev/null || true
}

down() {
    for f in "$dir"/run/slurmd.*.pid; do
        [ -e "$f" ] && end "$(basename "$f" .pid)"
    done
    end slurmctld
    end munged
}

port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

if [ "$verb" = down ]; then
    down
    exit 0
fi
nodes=$3 cpus=$4 host=$(hostname -s)
mkdir -p "$dir/run" "$dir/log" "$dir/state" "$dir/spool"
chmod 755 "$dir" "$dir/run"
head -c 128 /dev/urandom >"$dir/munge.key"
chmod 400 "$dir/munge.key"
/usr/sbin/munged --force --num-threads=2 --key-file="$dir/munge.key" --socket="$dir/run/munge.sock" \
    --pid-file="$dir/run/munged.pid" --log-file="$dir/log/munged.log" --seed-file="$dir/run/seed"
cat >"$dir/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthInfo=socket=$dir/run/munge.sock
SlurmctldPort=$(port)
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd.%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.%n.log
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SlurmdParameters=config_overrides
PropagateResourceLimits=NONE
CONF
for i in $(seq "$nodes"); do
    echo "NodeName=n$i NodeHostname=$host NodeAddr=127.0.0.1 Port=$(port) CPUs=$cpus RealMemory=1024" >>"$dir/slurm.conf"
done
echo "PartitionName=main Nodes=n[1-$nodes] Default=YES MaxTime=INFINITE State=UP" >>"$dir/slurm.conf"
SLURM_CONF=$dir/slurm.conf
export SLURM_CONF
/usr/sbin/slurmctld -c -f "$SLURM_CONF"
for i in $(seq "$nodes"); do
    mkdir -p "$dir/spool/n$i"
    /usr/sbin/slurmd -f "$SLURM_CONF" -N "n$i"
done
end=$(($(date +%s) + 60))
while [ "$(sinfo -h -N -o %T 2>/dev/null | grep -c '^idle')" != "$nodes" ]; do
    [ "$(date +%s)" -lt $end ] || {
        echo "slurm.sh: the nodes did not come up, see $dir/log" >&2
        down
        exit 1
    }
done
