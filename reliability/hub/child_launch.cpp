#include "reliability/hub/child_launch.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <vector>

#include "reliability/hub/program_environment.hpp"
#include "signing/refusal.hpp"

namespace weft::reliability::hub {
namespace {

std::string words_for(int error) {
    std::string words = std::generic_category().message(error);
    if (error == ENOEXEC) words += "; a script needs a first line such as #!/bin/sh";
    if (error == EACCES) words += "; is it executable (chmod +x)?";
    if (error == E2BIG) words += ": its settings do not fit into an environment";
    return words;
}

/// A child's end and ours.
struct Ends {
    Descriptor child, ours;
};

/// The child's ends lie above its standard descriptors, so that dup2() never overwrites one that is
/// still needed, even where we were started without a stdin.
bool lift(Descriptor& end) {
    constexpr int first = 10;
    end = Descriptor(::fcntl(end.get(), F_DUPFD_CLOEXEC, first));
    return end.is_open();
}

bool not_blocking(const Descriptor& fd) {
    const int flags = ::fcntl(fd.get(), F_GETFL);
    return flags >= 0 && ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) == 0;
}

bool make_pipe(Ends& ends, bool child_reads) {
    std::array<int, 2> fds{};
    if (::pipe2(fds.data(), O_CLOEXEC) != 0) return false;
    ends.child = Descriptor(fds[child_reads ? 0 : 1]);
    ends.ours = Descriptor(fds[child_reads ? 1 : 0]);
    return lift(ends.child) && not_blocking(ends.ours);
}

bool make_socket(Ends& ends) {
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0) return false;
    ends.child = Descriptor(fds[0]);
    ends.ours = Descriptor(fds[1]);
    return lift(ends.child) && not_blocking(ends.ours);
}

/// Where execvp() would look. Ours, because that one hands a file that it cannot run to a shell.
std::vector<std::string> places_of(const std::string& program) {
    if (program.find('/') != std::string::npos) return {program};
    const char* path = std::getenv("PATH");
    std::string_view rest = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
    std::vector<std::string> places;
    for (bool more = true; more;) {
        const std::size_t colon = rest.find(':');
        const std::string_view directory = rest.substr(0, colon);
        places.push_back((directory.empty() ? "." : std::string{directory}) + "/" + program);
        more = colon != std::string_view::npos;
        if (more) rest.remove_prefix(colon + 1);
    }
    return places;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

/// What the child needs, made before the fork. -1: it keeps ours.
struct Plan {
    char* const* places;
    char* const* argv;
    char* const* environment;
    int in, out, err, extra;
    int report;  ///< Takes errno if the program does not start; closed by exec.
    pid_t parent;
    std::uint64_t memory;
};

bool put(int fd, int as) {
    return fd < 0 || ::dup2(fd, as) >= 0;
}

void close_the_rest_on_exec(unsigned first) {
    if (::close_range(first, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
    // Before Linux 5.11. Our own descriptors say so themselves; this is for those of libraries.
    for (unsigned fd = first; fd < 65'536; ++fd) {
        ::fcntl(static_cast<int>(fd), F_SETFD, FD_CLOEXEC);
    }
}

void reset_signals() {
    struct sigaction usual {};
    usual.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) ::sigaction(number, &usual, nullptr);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// The kernel kills us last when memory runs out.
void offer_to_oom_killer() {
    const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0) return;
    static_cast<void>(!::write(file, "500", 3));
    ::close(file);
}

[[noreturn]] void report_and_die(const Plan& plan, int error) {
    static_cast<void>(!::write(plan.report, &error, sizeof error));
    ::_exit(127);
}

[[noreturn]] void become(const Plan& plan) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != plan.parent) ::_exit(127);  // it died before prctl
    offer_to_oom_killer();
    if (!put(plan.in, 0) || !put(plan.out, 1) || !put(plan.err, 2) || !put(plan.extra, 3)) {
        report_and_die(plan, errno);
    }
    close_the_rest_on_exec(plan.extra < 0 ? 3 : 4);
    if (plan.memory != 0) {
        const rlimit limit{plan.memory, plan.memory};
        if (::setrlimit(RLIMIT_AS, &limit) != 0) report_and_die(plan, errno);
    }
    reset_signals();
    int error = ENOENT;
    for (char* const* place = plan.places; *place != nullptr; ++place) {
        ::execve(*place, plan.argv, plan.environment);
        if (errno != ENOENT && errno != ENOTDIR) error = errno;
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) break;
    }
    report_and_die(plan, error);
}

void reap(pid_t pid) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

/// Waits until the program runs (0) or cannot (errno).
int read_report(const Descriptor& report) {
    int error = 0;
    ssize_t got = 0;
    do {
        got = ::read(report.get(), &error, sizeof error);
    } while (got < 0 && errno == EINTR);
    return got == sizeof error ? error : 0;
}

}  // namespace

tl::expected<Launched, std::string> launch(const ChildOrder& order) {
    const auto cannot = [&](int error) {
        return tl::make_unexpected("cannot run '" + signing::escape(order.argv.front()) +
                                   "': " + words_for(error));
    };
    Ends in, out, err, extra, report;
    const bool connected = make_pipe(in, true) && (!order.pipe_output || make_pipe(out, false)) &&
                           (!order.on_error_line || make_pipe(err, false)) &&
                           (!order.extra_socket || make_socket(extra)) && make_pipe(report, false);
    // The report is waited for: it is the one end that blocks.
    if (!connected || ::fcntl(report.ours.get(), F_SETFL, 0) != 0) return cannot(errno);

    std::vector<std::string> place_texts = places_of(order.argv.front());
    std::vector<std::string> argv_texts = order.argv;
    std::vector<std::string> environment_texts = program_environment(order.environment);
    const std::vector<char*> places = pointers_to(place_texts);
    const std::vector<char*> argv = pointers_to(argv_texts);
    const std::vector<char*> environment = pointers_to(environment_texts);
    const Plan plan{places.data(),   argv.data(),     environment.data(), in.child.get(),
                    out.child.get(), err.child.get(), extra.child.get(),  report.child.get(),
                    ::getpid(),      order.memory};
    const pid_t pid = ::fork();
    if (pid < 0) return cannot(errno);
    if (pid == 0) become(plan);

    report.child.close();
    if (const int error = read_report(report.ours); error != 0) {
        reap(pid);
        return cannot(error);
    }
    return Launched{pid, std::move(in.ours), std::move(out.ours), std::move(err.ours),
                    std::move(extra.ours)};
}

}  // namespace weft::reliability::hub
