// web.go: net/http, `web` serving and fetching in one process, `web ADDRESS`
// serving until killed, `web get URL...` fetching.
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello, %s %s\n", r.Method, r.URL.Path)
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1048576")
		w.Write(bytes.Repeat([]byte("0123456789abcdef"), 1<<16))
	})
	return mux
}

func die(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func get(url string) (int, []byte) {
	r, err := http.Get(url)
	die(err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	die(err)
	return r.StatusCode, body
}

func self() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	die(err)
	go http.Serve(l, handler())
	url := "http://" + l.Addr().String()
	status, body := get(url + "/some/page")
	fmt.Printf("%d %s", status, body)
	status, body = get(url + "/large")
	fmt.Println(status, len(body))
	r, err := http.Post(url+"/echo", "text/plain",
		bytes.NewReader(bytes.Repeat([]byte("abc"), 100000)))
	die(err)
	body, err = io.ReadAll(r.Body)
	die(err)
	fmt.Println(r.StatusCode, len(body))
	var wg sync.WaitGroup
	var mu sync.Mutex
	good := 0
	for i := 0; i < 16; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			for k := 0; k < 20; k++ {
				s, b := get(fmt.Sprintf("%s/%d/%d", url, i, k))
				if s == 200 && string(b) ==
					fmt.Sprintf("hello, GET /%d/%d\n", i, k) {
					mu.Lock()
					good++
					mu.Unlock()
				}
			}
		}(i)
	}
	wg.Wait()
	fmt.Println(good)
	c := http.Client{Timeout: 20 * time.Millisecond}
	_, err = c.Get("http://127.0.0.1:1/")
	fmt.Println(err)
}

func main() {
	switch {
	case len(os.Args) == 1:
		self()
	case os.Args[1] == "get":
		for _, url := range os.Args[2:] {
			status, body := get(url)
			fmt.Printf("%d %d bytes: %.60q\n", status, len(body), body)
		}
	default:
		l, err := net.Listen("tcp", os.Args[1])
		die(err)
		fmt.Println("listening")
		die(http.Serve(l, handler()))
	}
}
