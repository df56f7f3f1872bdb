/* Which threads have a lane in the session; scope_thread_ring(), in runtime.h, is what writes events ask. */
#ifndef SCOPE_THREAD_LANE_H
#define SCOPE_THREAD_LANE_H

#include "runtime.h"

/* Threads that end retire their lanes in `session` from now on. */
void scope_lanes_open(const SessionObject *session);

/* Unmaps the session's segment, so that no thread that ends meanwhile still looks into it. */
void scope_lanes_close(SessionObject *session);

/* In a forked child: no thread has a lane. */
void scope_lanes_forked(void);

/* 0, or -1 where the system has no thread-local key left. */
int scope_lanes_prepare(void);

#endif
