/** Bounds of the histograms, in seconds: each spans what a healthy system does and what somebody is to be told of. */

/** One transaction of the journal, from its call to its commit. */
export const COMMIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
/** An HTTP request, to the first byte of its answer. */
export const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
/** A step of a run, a provider's answer, a call of a tool. */
export const WORK_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800];
/** From a run's begin to its end; a run may wait for its human for days. */
export const RUN_SECONDS = [0.1, 0.5, 1, 5, 15, 60, 300, 1_800, 7_200, 86_400, 604_800];
