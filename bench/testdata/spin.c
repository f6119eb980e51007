/* The control of the stall meter: a thread that reads the time stamp counter on one core
 * and counts the gaps in it. usage: spin CORE SECONDS
 * Prints: seconds, gaps over 10 us, 100 us, 1 ms, longest gap in ns, ns in gaps over 10 us. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <x86intrin.h>

static int64_t monotonic(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int main(int argc, char **argv)
{
	cpu_set_t own;
	if (argc != 3)
		return 2;
	CPU_ZERO(&own);
	CPU_SET(atoi(argv[1]), &own);
	if (sched_setaffinity(0, sizeof own, &own) != 0) {
		perror("sched_setaffinity");
		return 1;
	}
	/* As the router's thread: where it is not permitted, both go without. */
	(void)setpriority(PRIO_PROCESS, 0, -20);
	(void)mlockall(MCL_CURRENT | MCL_FUTURE);

	int64_t m0 = monotonic();
	uint64_t t0 = __rdtsc();
	while (monotonic() - m0 < 100000000LL)
		;
	double ticks_per_ns = (double)(__rdtsc() - t0) / (double)(monotonic() - m0);

	uint64_t limits[3], counts[3] = {0, 0, 0}, longest = 0, lost = 0;
	limits[0] = (uint64_t)(10000 * ticks_per_ns);
	limits[1] = (uint64_t)(100000 * ticks_per_ns);
	limits[2] = (uint64_t)(1000000 * ticks_per_ns);
	uint64_t begin = __rdtsc(), last = begin;
	uint64_t end = begin + (uint64_t)(atof(argv[2]) * 1e9 * ticks_per_ns);
	while (last < end) {
		uint64_t now = __rdtsc(), gap = now - last;
		last = now;
		if (__builtin_expect(gap > limits[0], 0)) {
			lost += gap;
			longest = gap > longest ? gap : longest;
			for (int i = 0; i < 3; i++)
				counts[i] += gap > limits[i];
		}
	}
	printf("%.3f %llu %llu %llu %.0f %.0f\n", (double)(last - begin) / ticks_per_ns / 1e9,
	       (unsigned long long)counts[0], (unsigned long long)counts[1], (unsigned long long)counts[2],
	       (double)longest / ticks_per_ns, (double)lost / ticks_per_ns);
	return 0;
}
