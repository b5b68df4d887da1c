// Package kafka is what every user of a Kafka cluster shares: its settings, read
// from one YAML file, and the connections made by them. api/kafka/intake takes
// events in, api/kafka/outbox sends what others must learn.
//
// It promises:
//   - A setting that is not known, or cannot work, is an error that names its line
//     and says what to do. Nothing is guessed.
//   - Secrets are read from files of their own, at each connection, and are held
//     by no Config; no error and no String says one. So a renewed certificate or
//     password counts from the next connection on.
//   - Every wait on a connection has a bound, also where the client library asks
//     for none.
//
// It assumes that the brokers' own access lists say who may write a topic. What
// a topic may speak for is Topic.Sources, what it may say Topic.Types. It keeps no state: a crash leaves
// nothing.
package kafka
