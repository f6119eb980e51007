/* The least that can be done between a datagram and an order: a busy-polling
 * thread on a core of its own reads a datagram and writes as many bytes as an
 * order has to a TCP connection. It is the floor of the loopback benchmark.
 *
 *   echo TCP-PORT CORE DATAGRAM ORDER TURNS
 *
 * A datagram of DATAGRAM bytes leads to an order of ORDER bytes, one of another size to
 * none. The connection is read in one of TURNS turns that found no datagram; what it brings
 * is thrown away.
 *
 * It connects to 127.0.0.1:TCP-PORT, prints the UDP port on which it listens, and
 * ends when the connection does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

int main(int argc, char **argv)
{
	char order[4096], datagram[2048];
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t size = sizeof a;
	cpu_set_t cores;
	int one = 1;

	if (argc != 6) {
		fprintf(stderr, "usage: echo TCP-PORT CORE DATAGRAM ORDER TURNS\n");
		return 2;
	}
	int tick = atoi(argv[3]), bytes = atoi(argv[4]), turns = atoi(argv[5]);
	if (turns < 1 || bytes < 1 || bytes > (int)sizeof order)
		return 2;
	memset(order, '8', sizeof order);
	CPU_ZERO(&cores);
	CPU_SET(atoi(argv[2]), &cores);
	if (sched_setaffinity(0, sizeof cores, &cores))
		fail("core");

	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int tcp = socket(AF_INET, SOCK_STREAM, 0);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (udp < 0 || bind(udp, (struct sockaddr *)&a, sizeof a) || getsockname(udp, (struct sockaddr *)&a, &size))
		fail("udp");
	printf("%d\n", ntohs(a.sin_port));
	fflush(stdout);
	a.sin_port = htons(atoi(argv[1]));
	if (tcp < 0 || connect(tcp, (struct sockaddr *)&a, sizeof a) ||
	    setsockopt(tcp, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one))
		fail("tcp");
	for (unsigned turn = 0;; turn++) {
		ssize_t n = recv(udp, datagram, sizeof datagram, 0);
		if (n == tick) {
			if (send(tcp, order, bytes, MSG_NOSIGNAL) != bytes)
				return 0;
		} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
			fail("recv");
		} else if (turn % turns == 0 && recv(tcp, datagram, sizeof datagram, MSG_DONTWAIT) == 0) {
			return 0;
		}
	}
}
