import {Mutex} from "@web/core/utils/concurrency";
import {useBus} from "@web/core/utils/hooks";

const queues = new WeakMap();

function queueOf(model) {
    if (!queues.has(model)) {
        queues.set(model, {mutex: new Mutex(), pending: new Set()});
    }
    return queues.get(model);
}

/**
 * What people click faster than it is answered, one after the other, in the order of the
 * clicks; all parts of a dialog share one queue. Buttons of the form wait for what is on
 * its way, and do nothing if that fails: what was unticked last is not billed.
 *
 * @param {Object} model of the form's record
 * @returns {Function} takes a change, and returns the promise of it
 */
export function useChangeQueue(model) {
    const {mutex, pending} = queueOf(model);
    useBus(model.bus, "NEED_LOCAL_CHANGES", ({detail}) => {
        detail.proms.push(...pending);
    });
    return (change) => {
        const done = mutex.exec(change);
        const forget = () => pending.delete(done);
        pending.add(done);
        done.then(forget, forget);
        return done;
    };
}
