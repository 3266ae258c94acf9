// pingpong.go: goroutines pass a number to and fro, select, time out, sleep.
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

func main() {
	rounds := 100000
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	ping, pong := make(chan int), make(chan int)
	go func() {
		for n := range ping {
			pong <- n + 1
		}
		close(pong)
	}()
	n := 0
	for i := 0; i < rounds; i++ {
		ping <- n
		n = <-pong
	}
	close(ping)
	_, open := <-pong
	fmt.Println(n == rounds, open)

	// many, with a lock between them
	var mu sync.Mutex
	var wg sync.WaitGroup
	count := 0
	for g := 0; g < 1000; g++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := 0; i < 100; i++ {
				mu.Lock()
				count++
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	fmt.Println(count)

	// threads locked to goroutines: every switch is one of the kernel's
	a, b := make(chan int), make(chan int)
	go func() {
		runtime.LockOSThread()
		for v := range a {
			b <- v * 2
		}
		close(b)
	}()
	runtime.LockOSThread()
	sum := 0
	for i := 0; i < rounds/100; i++ {
		a <- i
		sum += <-b
	}
	close(a)
	fmt.Println(sum == (rounds/100-1)*(rounds/100))

	// a loop without calls is preempted: the signal of Go's scheduler
	stop := false
	go func() {
		for i := 0; !stop; i++ {
		}
	}()
	go func() {
		for i := 0; !stop; i++ {
		}
	}()
	time.Sleep(20 * time.Millisecond)
	runtime.GC()
	stop = true
	select {
	case <-time.After(10 * time.Millisecond):
		fmt.Println("timed out")
	case <-make(chan int):
		fmt.Println("never")
	}
	t := time.NewTicker(2 * time.Millisecond)
	for i := 0; i < 5; i++ {
		<-t.C
	}
	t.Stop()
	fmt.Println("ticked")
}
