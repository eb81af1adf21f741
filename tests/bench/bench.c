/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs commands of several contenders many times and says how long they took.
 *
 * The contenders take turns, in a new order each round: what else happens on the machine, and what one of them leaves
 * to the kernel's workers, hits all alike. Only ratios within one run mean anything.
 *
 * What to run is read from standard input:
 *	{"rounds": 200, "warmup": 5, "contenders": [{"name": "ours", "steps": [{"name": "add", "copies": 16,
 *	 "command": ["/opt/cni/bin/ours"], "environment": ["CNI_CONTAINERID=c{}"], "stdin": "{…}"}]}]}
 * Copies of a step run at the same time; "{}" in their arguments and environment is the copy's number. With "netns", a
 * path, they run in that network namespace. What was measured goes to standard output, as JSON.
 *
 * To be linked statically: the kernel counts the memory of whoever spawns a process to that process's peak
 * (setmax_mm_hiwater_rss() in fs/exec.c), so this program must be smaller than what it measures. It runs once and
 * ends; what it allocates is the process's.
 */

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/** Before each step: the kernel ends a deletion in its own time, and whatever comes next would wait for its locks */
#define PAUSE_NS 10000000L
#define NS_PER_US 1000
#define NS_PER_S 1000000000
/** Exit status: a command failed, or the benchmark can't be read */
#define EXIT_COMMAND 1
#define EXIT_USAGE 2

/**
 * struct process - One copy of a step, with all that spawning it needs
 * @arguments:		argv
 * @environment:	envp
 * @stdin_fd:		Its standard input, in memory
 * @actions:		Standard streams
 * @pid:		While it runs
 */
struct process {
	char **arguments;
	char **environment;
	int stdin_fd;
	posix_spawn_file_actions_t actions;
	pid_t pid;
	uint64_t begun;
};

/**
 * struct step - What is measured
 * @name:	Of the step
 * @contender:	Whose
 * @netns_fd:	Network namespace, -1: the current one
 * @copies:	Run at the same time
 * @n_copies:	How many
 * @wall:	Per round: from the first spawn to the last exit, nanoseconds
 * @slowest:	Per round: from its own spawn to its exit, of the copy that took longest, nanoseconds
 * @cpu:	Per round: user and system time of all copies and their children, nanoseconds
 * @peak_kib:	Largest resident memory of a copy or one of its children in any round but for warming up, KiB
 */
struct step {
	const char *name;
	const char *contender;
	int netns_fd;
	struct process *copies;
	size_t n_copies;
	uint64_t *wall;
	uint64_t *slowest;
	uint64_t *cpu;
	long peak_kib;
};

/** struct contender - Steps that follow one another */
struct contender {
	struct step *steps;
	size_t n_steps;
};

/** struct benchmark - Everything */
struct benchmark {
	size_t rounds;
	size_t warmup;
	struct contender *contenders;
	size_t n_contenders;
};

/** struct quantiles - Of a sample, microseconds */
struct quantiles {
	double min;
	double p50;
	double p90;
	double p99;
};

/** Where this program began, and returns to after a step elsewhere */
static int own_netns_fd = -1;

/** die() - Say what is wrong with errno @errnum, and end */
__attribute__((noreturn)) static void die(const char *what, int errnum)
{
	(void)fprintf(stderr, "bench: %s: %s\n", what, strerror(errnum));
	exit(EXIT_USAGE);
}

/** allocate() - Zeroed memory for @n elements of @size bytes */
static void *allocate(size_t n, size_t size)
{
	void *memory = calloc(n ? n : 1, size);

	if (!memory)
		die("out of memory", ENOMEM);
	return memory;
}

/** now() - Monotonic time in nanoseconds */
static uint64_t now(void)
{
	struct timespec time;

	if (clock_gettime(CLOCK_MONOTONIC, &time) < 0)
		die("clock_gettime", errno);
	return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

/* --- Reading --- */

/** expand() - A copy of @text in which each "{}" is the number @copy */
static char *expand(const char *text, size_t copy)
{
	char *expanded = NULL;
	size_t size;
	FILE *stream = open_memstream(&expanded, &size);

	if (!stream)
		die("out of memory", errno);
	for (const char *mark; (mark = strstr(text, "{}")); text = mark + 2)
		(void)fprintf(stream, "%.*s%zu", (int)(mark - text), text, copy);
	(void)fputs(text, stream);
	if (fclose(stream))
		die("out of memory", errno);
	return expanded;
}

/** make_vector() - The texts of @array for copy @copy, NULL behind the last */
static char **make_vector(const json_t *array, size_t copy)
{
	char **vector = allocate(json_array_size(array) + 1, sizeof(*vector));

	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *text = json_string_value(json_array_get(array, i));

		if (!text)
			die("a command or an environment is no array of strings", EINVAL);
		vector[i] = expand(text, copy);
	}
	return vector;
}

/** make_input() - A file in memory that says @text */
static int make_input(const char *text)
{
	int fd = memfd_create("stdin", MFD_CLOEXEC);
	size_t size = strlen(text);

	if (fd < 0 || write(fd, text, size) != (ssize_t)size)
		die("standard input of a step", fd < 0 ? errno : EIO);
	return fd;
}

/** make_process() - Copy @copy of a step */
static void make_process(struct process *process, const json_t *command, const json_t *environment, const char *input,
			 size_t copy)
{
	posix_spawn_file_actions_t *actions = &process->actions;
	int r;

	process->arguments = make_vector(command, copy);
	process->environment = make_vector(environment, copy);
	process->stdin_fd = make_input(input);
	r = posix_spawn_file_actions_init(actions);
	if (!r)
		r = posix_spawn_file_actions_adddup2(actions, process->stdin_fd, STDIN_FILENO);
	if (!r)
		r = posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (r)
		die("posix_spawn_file_actions", r);
}

/** read_step() - A step of @contender from its JSON */
static void read_step(struct step *step, const char *contender, json_t *json, size_t rounds)
{
	json_t *command, *environment = NULL;
	const char *input = "", *netns = NULL;
	json_error_t error;
	int copies = 1;

	if (json_unpack_ex(json, &error, JSON_STRICT, "{s:s, s?i, s:o, s?o, s?s, s?s}", "name", &step->name, "copies",
			   &copies, "command", &command, "environment", &environment, "stdin", &input, "netns",
			   &netns) < 0)
		die(error.text, EINVAL);
	if (copies < 1 || !json_array_size(command))
		die("a step without copies or command", EINVAL);
	step->contender = contender;
	step->netns_fd = netns ? open(netns, O_RDONLY | O_CLOEXEC) : -1;
	if (netns && step->netns_fd < 0)
		die(netns, errno);
	step->n_copies = (size_t)copies;
	step->copies = allocate(step->n_copies, sizeof(*step->copies));
	for (size_t i = 0; i < step->n_copies; i++)
		make_process(&step->copies[i], command, environment, input, i);
	step->wall = allocate(rounds, sizeof(*step->wall));
	step->slowest = allocate(rounds, sizeof(*step->slowest));
	step->cpu = allocate(rounds, sizeof(*step->cpu));
}

/** read_contender() - A contender from its JSON */
static void read_contender(struct contender *contender, json_t *json, size_t rounds)
{
	json_error_t error;
	const char *name;
	json_t *steps;

	if (json_unpack_ex(json, &error, JSON_STRICT, "{s:s, s:o}", "name", &name, "steps", &steps) < 0)
		die(error.text, EINVAL);
	contender->n_steps = json_array_size(steps);
	if (!contender->n_steps)
		die("a contender without steps", EINVAL);
	contender->steps = allocate(contender->n_steps, sizeof(*contender->steps));
	for (size_t i = 0; i < contender->n_steps; i++)
		read_step(&contender->steps[i], name, json_array_get(steps, i), rounds);
}

/** read_benchmark() - What to run, from standard input; the JSON is borrowed from for ever */
static struct benchmark read_benchmark(void)
{
	struct benchmark benchmark = {0};
	int rounds, warmup = 1;
	json_t *root, *contenders;
	json_error_t error;

	root = json_loadf(stdin, 0, &error);
	if (!root || json_unpack_ex(root, &error, JSON_STRICT, "{s:i, s?i, s:o}", "rounds", &rounds, "warmup", &warmup,
				    "contenders", &contenders) < 0)
		die(error.text, EINVAL);
	if (rounds < 1 || warmup < 0 || !json_array_size(contenders))
		die("nothing to do", EINVAL);
	benchmark.rounds = (size_t)rounds;
	benchmark.warmup = (size_t)warmup;
	benchmark.n_contenders = json_array_size(contenders);
	benchmark.contenders = allocate(benchmark.n_contenders, sizeof(*benchmark.contenders));
	for (size_t i = 0; i < benchmark.n_contenders; i++)
		read_contender(&benchmark.contenders[i], json_array_get(contenders, i), benchmark.rounds);
	return benchmark;
}

/* --- Running --- */

/** rewind_input() - Have a process read its standard input from the start */
static void rewind_input(const struct process *process)
{
	if (lseek(process->stdin_fd, 0, SEEK_SET) < 0)
		die("lseek", errno);
}

/** start() - Spawn a process with standard streams @actions */
static void start(struct process *process, const posix_spawn_file_actions_t *actions)
{
	int r;

	process->begun = now();
	r = posix_spawn(&process->pid, process->arguments[0], actions, NULL, process->arguments, process->environment);

	if (r)
		die(process->arguments[0], r);
}

/** wait_for() - Wait until process @pid, -1: any, has ended: its status, what it used into @ret_usage; @ret_pid: which */
static int wait_for(pid_t pid, struct rusage *ret_usage, pid_t *ret_pid)
{
	int status;

	while ((*ret_pid = wait4(pid, &status, 0, ret_usage)) < 0)
		if (errno != EINTR)
			die("wait4", errno);
	return status;
}

/** find() - The copy that ran as process @pid */
static struct process *find(const struct step *step, pid_t pid)
{
	for (size_t i = 0; i < step->n_copies; i++)
		if (step->copies[i].pid == pid)
			return &step->copies[i];
	die("a process that nobody started", ECHILD);
}

/**
 * fail() - Say which process failed and end. It is run once more, to show what it prints
 * @step:	Step
 * @process:	Process
 * @status:	As wait4(2) gave it
 */
__attribute__((noreturn)) static void fail(const struct step *step, struct process *process, int status)
{
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	pid_t pid;

	(void)fprintf(stderr, "bench: %s %s: %s %d; once more:\n", step->contender, step->name,
		      WIFSIGNALED(status) ? "signal" : "exit status",
		      WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	rewind_input(process);
	if (!posix_spawn_file_actions_init(&actions) &&
	    !posix_spawn_file_actions_adddup2(&actions, process->stdin_fd, STDIN_FILENO) &&
	    !posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)) {
		start(process, &actions);
		(void)wait_for(process->pid, &usage, &pid);
	}
	exit(EXIT_COMMAND);
}

/** cpu_time() - What a process and those it waited for used of the processors, nanoseconds */
static uint64_t cpu_time(const struct rusage *usage)
{
	uint64_t seconds = (uint64_t)usage->ru_utime.tv_sec + (uint64_t)usage->ru_stime.tv_sec;
	uint64_t microseconds = (uint64_t)usage->ru_utime.tv_usec + (uint64_t)usage->ru_stime.tv_usec;

	return seconds * NS_PER_S + microseconds * NS_PER_US;
}

/** enter() - Go into a network namespace; -1: stay */
static void enter(int netns_fd)
{
	if (netns_fd >= 0 && setns(netns_fd, CLONE_NEWNET) < 0)
		die("setns", errno);
}

/** run_step() - Run a step once and note what it took as sample @round */
static void run_step(struct step *step, size_t round)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	struct rusage usage;
	uint64_t begin;

	for (size_t i = 0; i < step->n_copies; i++)
		rewind_input(&step->copies[i]);
	step->cpu[round] = 0;
	step->slowest[round] = 0;
	/* Those of warming up are written over. */
	if (round == 0)
		step->peak_kib = 0;
	enter(step->netns_fd);
	(void)nanosleep(&pause, NULL);
	begin = now();
	for (size_t i = 0; i < step->n_copies; i++)
		start(&step->copies[i], &step->copies[i].actions);
	for (size_t i = 0; i < step->n_copies; i++) {
		pid_t pid;
		int status = wait_for(-1, &usage, &pid);
		struct process *process = find(step, pid);
		uint64_t took = now() - process->begun;

		if (status)
			fail(step, process, status);
		if (took > step->slowest[round])
			step->slowest[round] = took;
		step->cpu[round] += cpu_time(&usage);
		if (usage.ru_maxrss > step->peak_kib)
			step->peak_kib = usage.ru_maxrss;
	}
	step->wall[round] = now() - begin;
	enter(own_netns_fd);
}

/** shuffle() - Put the first @n numbers into @order, in one that nobody chose, the same in each run of this program */
static void shuffle(size_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		/* NOLINTNEXTLINE(cert-msc30-c,cert-msc50-cpp,concurrency-mt-unsafe): repeatable, nothing secret */
		size_t j = (size_t)random() % (i + 1);

		order[i] = order[j];
		order[j] = i;
	}
}

/** run_all() - All rounds; the first ones only warm up, their samples are written over */
static void run_all(struct benchmark *benchmark)
{
	size_t *order = allocate(benchmark->n_contenders, sizeof(*order));

	for (size_t round = 0; round < benchmark->warmup + benchmark->rounds; round++) {
		shuffle(order, benchmark->n_contenders);
		for (size_t i = 0; i < benchmark->n_contenders; i++) {
			struct contender *contender = &benchmark->contenders[order[i]];

			for (size_t j = 0; j < contender->n_steps; j++)
				run_step(&contender->steps[j],
					 round < benchmark->warmup ? 0 : round - benchmark->warmup);
		}
	}
}

/* --- Telling --- */

/** compare() - qsort(3) order of samples */
static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/** quantile() - The sample of @n sorted @samples that @percent of them do not exceed, in microseconds (nearest rank) */
static double quantile(const uint64_t *samples, size_t n, size_t percent)
{
	size_t rank = (n * percent + 99) / 100;

	return (double)samples[rank ? rank - 1 : 0] / NS_PER_US;
}

/** quantiles() - Of @n samples, which are sorted by it */
static struct quantiles quantiles(uint64_t *samples, size_t n)
{
	qsort(samples, n, sizeof(*samples), compare);
	return (struct quantiles){
		.min = quantile(samples, n, 0),
		.p50 = quantile(samples, n, 50),
		.p90 = quantile(samples, n, 90),
		.p99 = quantile(samples, n, 99),
	};
}

/** json_of() - Quantiles as JSON */
static json_t *json_of(const struct quantiles *of)
{
	return json_pack("{s:f, s:f, s:f, s:f}", "min", of->min, "p50", of->p50, "p90", of->p90, "p99", of->p99);
}

/** tell_step() - What was measured of a step */
static json_t *tell_step(struct step *step, size_t rounds)
{
	struct quantiles wall = quantiles(step->wall, rounds);
	struct quantiles slowest = quantiles(step->slowest, rounds);
	struct quantiles cpu = quantiles(step->cpu, rounds);

	return json_pack("{s:s, s:s, s:i, s:o, s:o, s:o, s:i}", "contender", step->contender, "step", step->name,
			 "copies", (int)step->n_copies, "wall_us", json_of(&wall), "slowest_us", json_of(&slowest),
			 "cpu_us", json_of(&cpu), "peak_kib", (int)step->peak_kib);
}

/** tell() - What was measured */
static json_t *tell(struct benchmark *benchmark)
{
	json_t *results = json_array();

	for (size_t i = 0; i < benchmark->n_contenders; i++)
		for (size_t j = 0; j < benchmark->contenders[i].n_steps; j++)
			if (json_array_append_new(results,
						  tell_step(&benchmark->contenders[i].steps[j], benchmark->rounds)) < 0)
				die("out of memory", ENOMEM);
	return json_pack("{s:i, s:o}", "rounds", (int)benchmark->rounds, "results", results);
}

int main(int argc, char **argv)
{
	struct benchmark benchmark;
	json_t *results;

	(void)argv;
	if (argc != 1) {
		(void)fputs("Usage: bench <BENCHMARK >RESULTS\n", stderr);
		return EXIT_USAGE;
	}
	own_netns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	benchmark = read_benchmark();
	run_all(&benchmark);
	results = tell(&benchmark);
	if (!results || json_dumpf(results, stdout, JSON_INDENT(1)) < 0)
		die("results", errno);
	return fflush(stdout) ? EXIT_USAGE : 0;
}
