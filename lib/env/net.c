/* Addresses of this host's interfaces: getifaddrs(), and the kernel's table of routes for
 * the default one. */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "env/file.h"
#include "env/net.h"

#define LOOPBACK "127.0.0.1"
#define ROUTES_MAX (1 << 20)

struct net {
    int family;
    unsigned char bytes[16];
    unsigned bits;
};

static int print(const struct sockaddr *sa, char buf[NET_ADDRESS_SIZE])
{
    socklen_t len = sa->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                             : sizeof(struct sockaddr_in6);

    if (getnameinfo(sa, len, buf, NET_ADDRESS_SIZE, NULL, 0, NI_NUMERICHOST) != 0)
        return -EINVAL;
    return 0;
}

/* Link-local IPv6 addresses are good only with an interface's name behind them. */
static bool is_usable(const struct ifaddrs *i)
{
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)i->ifa_addr;

    if (!i->ifa_addr || !(i->ifa_flags & IFF_UP))
        return false;
    if (i->ifa_addr->sa_family == AF_INET6)
        return !IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr);
    return i->ifa_addr->sa_family == AF_INET;
}

/* Print the first address that match() accepts; -ENODEV: none. */
static int find(bool (*match)(const struct ifaddrs *i, const void *arg), const void *arg,
                char *buf)
{
    struct ifaddrs *all;
    int rc = -ENODEV;

    if (getifaddrs(&all) < 0)
        return -errno;
    for (const struct ifaddrs *i = all; i && rc == -ENODEV; i = i->ifa_next) {
        if (is_usable(i) && match(i, arg))
            rc = print(i->ifa_addr, buf);
    }
    freeifaddrs(all);
    return rc;
}

static int sim_address(char *buf)
{
    strcpy(buf, LOOPBACK);
    return 0;
}

/* ---- by interface ---- */

struct by_name {
    const char *name;
    int family;
};

static bool has_name(const struct ifaddrs *i, const void *arg)
{
    const struct by_name *want = arg;

    return i->ifa_addr->sa_family == want->family && !strcmp(i->ifa_name, want->name);
}

int net_interface_address(struct env *env, const char *ifname, bool v6,
                          char buf[NET_ADDRESS_SIZE])
{
    struct by_name want = {ifname, v6 ? AF_INET6 : AF_INET};

    return env_is_sim(env) ? sim_address(buf) : find(has_name, &want, buf);
}

static bool is_outside(const struct ifaddrs *i, const void *arg)
{
    return i->ifa_addr->sa_family == *(const int *)arg && !(i->ifa_flags & IFF_LOOPBACK);
}

int net_any_address(struct env *env, bool v6, char buf[NET_ADDRESS_SIZE])
{
    int family = v6 ? AF_INET6 : AF_INET;
    int rc = env_is_sim(env) ? sim_address(buf) : find(is_outside, &family, buf);

    return rc == -ENODEV ? -ENETUNREACH : rc;
}

/* ---- the default route ---- */

/* Lines of /proc/net/route: interface, destination, gateway, flags, .., .., metric, mask;
 * of ipv6_route: destination, its length, .., .., .., metric, .., .., flags, interface. */
static bool parse_route4(const char *line, char *ifname, unsigned *metric)
{
    unsigned dest, flags, mask;

    return sscanf(line, "%31s %x %*x %x %*d %*d %u %x", ifname, &dest, &flags, metric,
                  &mask) == 5 &&
           dest == 0 && mask == 0 && (flags & 1);
}

static bool parse_route6(const char *line, char *ifname, unsigned *metric)
{
    unsigned length, flags;
    char dest[33];

    return sscanf(line, "%32s %x %*s %*x %*s %x %*x %*x %x %31s", dest, &length, metric,
                  &flags, ifname) == 5 &&
           length == 0 && strspn(dest, "0") == 32 && (flags & 1) && strcmp(ifname, "lo");
}

static int default_interface(struct env *env, bool v6, char ifname[32])
{
    const char *path = v6 ? "/proc/net/ipv6_route" : "/proc/net/route";
    AUTOFREE char *text = NULL;
    unsigned best = 0;
    char *save = NULL, name[32];
    bool found = false;
    int rc = file_read(env, path, ROUTES_MAX, &text, NULL);

    if (rc < 0)
        return -ENETUNREACH;
    for (char *s = strtok_r(text, "\n", &save); s; s = strtok_r(NULL, "\n", &save)) {
        unsigned metric;
        bool is_default =
            v6 ? parse_route6(s, name, &metric) : parse_route4(s, name, &metric);

        if (!is_default || (found && metric >= best))
            continue;
        strcpy(ifname, name);
        best = metric;
        found = true;
    }
    return found ? 0 : -ENETUNREACH;
}

int net_default_address(struct env *env, bool v6, char buf[NET_ADDRESS_SIZE])
{
    char ifname[32];
    int rc;

    if (env_is_sim(env))
        return sim_address(buf);
    if ((rc = default_interface(env, v6, ifname)) < 0)
        return rc;
    rc = net_interface_address(env, ifname, v6, buf);
    return rc == -ENODEV ? -ENETUNREACH : rc;
}

/* ---- by name or number ---- */

int net_name_address(struct env *env, const char *hostname, bool v6,
                     char buf[NET_ADDRESS_SIZE])
{
    struct addrinfo hints = {.ai_family = v6 ? AF_INET6 : AF_INET,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int rc;

    if (env_is_sim(env))
        return sim_address(buf);
    if (getaddrinfo(hostname, NULL, &hints, &found) != 0)
        return -EHOSTUNREACH;
    rc = print(found->ai_addr, buf);
    freeaddrinfo(found);
    return rc;
}

static const void *bytes_of(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET)
        return &((const struct sockaddr_in *)sa)->sin_addr;
    return &((const struct sockaddr_in6 *)sa)->sin6_addr;
}

static bool is_inside(const struct ifaddrs *i, const void *arg)
{
    const struct net *n = arg;
    const unsigned char *have = bytes_of(i->ifa_addr);
    unsigned whole = n->bits / 8, rest = n->bits % 8;

    if (i->ifa_addr->sa_family != n->family || memcmp(have, n->bytes, whole) != 0)
        return false;
    return rest == 0 || ((have[whole] ^ n->bytes[whole]) >> (8 - rest)) == 0;
}

/* "address" or "address/bits". */
static int parse_network(const char *text, struct net *n)
{
    char address[NET_ADDRESS_SIZE], *slash, *end;
    unsigned long bits;

    if (strlen(text) >= sizeof(address))
        return -EINVAL;
    strcpy(address, text);
    if ((slash = strchr(address, '/')))
        *slash++ = '\0';
    n->family = strchr(address, ':') ? AF_INET6 : AF_INET;
    n->bits = n->family == AF_INET6 ? 128 : 32;
    if (inet_pton(n->family, address, n->bytes) != 1)
        return -EINVAL;
    if (!slash)
        return 0;
    bits = strtoul(slash, &end, 10);
    if (end == slash || *end || bits > n->bits)
        return -EINVAL;
    n->bits = (unsigned)bits;
    return 0;
}

int net_network_address(struct env *env, const char *network, char buf[NET_ADDRESS_SIZE])
{
    struct net n;
    int rc = parse_network(network, &n);

    if (rc < 0 || env_is_sim(env))
        return rc < 0 ? rc : sim_address(buf);
    rc = find(is_inside, &n, buf);
    return rc == -ENODEV ? -ENETUNREACH : rc;
}

bool net_is_local(struct env *env, const char *address)
{
    char buf[NET_ADDRESS_SIZE];

    return !strchr(address, '/') && net_network_address(env, address, buf) == 0;
}
