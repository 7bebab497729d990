# What every container of a crash run does. It writes down its beginning and its end, one line each, appended at
# once: the order of the lines is the order of what happened, whatever anybody's clock or API says. And it says
# so if another container of its target is alive when it begins, which also finds those that had no time to
# write an end. Read by tests/crash/run_log.py.
#
# From the target's environment: MARKERS, and FAILS, RETRIED or STUBBORN where it is to behave so.

log=$MARKERS/$DEPLOY_TARGET

# Sets `since` to when the process began, in ticks since the machine did; "" for one that is gone or a zombie.
look() {
    since=
    { read -r stat < "/proc/$1/stat"; } 2> /dev/null || return
    set -- ${stat##*) }
    case $1 in Z | X) ;; *) since=${20} ;; esac
}

# The time is 0 where the container is killed while it asks for it: the order of the lines is what counts.
write() {
    at=$(date +%s%N)
    echo "$1 ${at:-0} $$ ${born:--} $DEPLOY_NUMBER $GIT_COMMIT $GIT_REF $HOSTNAME $2" >> "$log"
}

look $$
born=$since
[ -n "$STUBBORN" ] && trap '' TERM || trap 'exit 143' TERM
trap 'write end' EXIT
write start

# Both write, then both look: of two that begin at the same time, one sees the other.
tail -n 30 "$log" | while read -r what _ pid began _ _ _ pod _; do
    [ "$what" = start ] && [ "$pid" != $$ ] || continue
    look "$pid"
    [ "$since" = "$began" ] && write overlap "$pod"
done

case $GIT_COMMIT in
    *[0-9]) sleep 0.3 ;;
    *) sleep 1.4 ;;
esac
if [ -n "$RETRIED" ] && ! grep -q "^failed [0-9]* [0-9]* [0-9]* $DEPLOY_NUMBER $GIT_COMMIT" "$log"; then
    write failed
    exit 1
fi
case $FAILS$GIT_COMMIT in yes[0-3]*) exit 7 ;; esac
