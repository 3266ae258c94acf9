// cxx.cc: exceptions through frames and threads, containers, streams, futures.
// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <condition_variable>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <queue>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace
{
struct Noisy {
	explicit Noisy(std::string n) : name(std::move(n))
	{
	}
	~Noisy()
	{
		std::cout << "gone: " << name << "\n";
	}
	std::string name;
};

int deep(int n)
{
	Noisy here("level " + std::to_string(n));

	if (n == 0)
		throw std::out_of_range("bottom");
	return deep(n - 1) + 1;
}

template <typename T> class Channel
{
    public:
	void send(T v)
	{
		std::lock_guard<std::mutex> g(m);

		q.push(std::move(v));
		cv.notify_one();
	}
	T receive()
	{
		std::unique_lock<std::mutex> g(m);

		cv.wait(g, [this] { return !q.empty(); });
		T v = std::move(q.front());

		q.pop();
		return v;
	}

    private:
	std::mutex m;
	std::condition_variable cv;
	std::queue<T> q;
};

thread_local int local = 3;
} // namespace

int main()
{
	try {
		std::cout << deep(3) << "\n";
	} catch (const std::exception &e) {
		std::cout << "caught: " << e.what() << "\n";
	}
	try {
		std::vector<int> v(3);

		std::cout << v.at(10) << "\n";
	} catch (const std::out_of_range &) {
		std::cout << "out of range\n";
	}
	try {
		std::unique_ptr<char[]> p(new char[1ul << 60]);
	} catch (const std::bad_alloc &e) {
		std::cout << "bad_alloc\n";
	}

	std::vector<std::thread> threads;
	std::atomic<long> sum{ 0 }, thrown{ 0 };

	for (int t = 0; t < 8; t++)
		threads.emplace_back([&sum, &thrown] {
			for (int i = 0; i < 500; i++) {
				try {
					local++;
					if (i % 2)
						throw i;
					sum += i;
				} catch (int n) {
					thrown += n;
				}
			}
		});
	for (auto &t : threads)
		t.join();
	std::cout << sum << " " << thrown << " " << local << "\n";

	Channel<std::string> there, back;
	std::thread echo([&] {
		for (std::string s; (s = there.receive()) != "end";)
			back.send("<" + s + ">");
	});

	for (int i = 0; i < 200; i++) {
		there.send(std::to_string(i));
		std::string s = back.receive();

		if (i % 50 == 0)
			std::cout << s << "\n";
	}
	there.send("end");
	echo.join();

	auto f = std::async(std::launch::async, []() -> int {
		throw std::runtime_error("from another thread");
	});
	try {
		std::cout << f.get() << "\n";
	} catch (const std::exception &e) {
		std::cout << "caught: " << e.what() << "\n";
	}
	std::map<std::string, int> words;
	std::istringstream text("one two three two three three");

	for (std::string w; text >> w;)
		words[w]++;
	for (const auto &[w, n] : words)
		std::cout << w << " " << n << "\n";
	std::cout << std::flush;
	throw std::logic_error("nobody catches this");
}
