//! One request to the router and its response back.
//!
//! A request without a body costs no allocation here, one with a body a single box (axum's own).

use super::PeerAddress;
use super::connection::Pulse;
use axum::BoxError;
use axum::Router;
use axum::body::{Body, HttpBody};
use axum::routing::future::RouteFuture;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};
use tower::Service;

/// The router as hyper calls it, for one connection.
pub(super) struct RouterService {
    router: Router,
    peer: PeerAddress,
    pulse: Arc<Pulse>,
}

impl RouterService {
    pub(super) fn new(router: Router, peer: PeerAddress, pulse: Arc<Pulse>) -> Self {
        Self { router, peer, pulse }
    }
}

impl hyper::service::Service<Request<Incoming>> for RouterService {
    type Response = Response<ReplyBody>;
    type Error = Infallible;
    type Future = Exchange;

    fn call(&self, request: Request<Incoming>) -> Exchange {
        self.pulse.request_began();
        let mut request = request.map(|body| {
            if body.is_end_stream() { Body::empty() } else { Body::new(RequestBody::new(body, &self.pulse)) }
        });
        request.extensions_mut().insert(self.peer);
        Exchange {
            // The clone is one reference count.
            route: self.router.clone().call(request),
            turn: Some(Turn(Arc::clone(&self.pulse))),
        }
    }
}

/// Lasts from a request's head to the end of its response, and notes that end.
struct Turn(Arc<Pulse>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.request_ended();
    }
}

pin_project! {
    /// The router at work on one request.
    pub(super) struct Exchange {
        #[pin]
        route: RouteFuture<Infallible>,
        turn: Option<Turn>,
    }
}

impl Future for Exchange {
    type Output = Result<Response<ReplyBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.route.poll(context))?;
        let turn = this.turn.take();
        Poll::Ready(Ok(response.map(|body| ReplyBody { body, _turn: turn })))
    }
}

pin_project! {
    /// A response's body; the exchange lasts as long as it does.
    pub(super) struct ReplyBody {
        #[pin]
        body: Body,
        _turn: Option<Turn>,
    }
}

impl HttpBody for ReplyBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.project().body.poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A request's body that did not come in time. It is what reading that body fails with; the
/// connection is closed after the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyTimedOut;

impl fmt::Display for BodyTimedOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the request body did not arrive in time")
    }
}

impl Error for BodyTimedOut {}

/// Whether an error, or what caused it, is a [`BodyTimedOut`] (to be answered with 408).
pub fn body_timed_out(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<BodyTimedOut>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// A request's body with a limit on how long it may stall, counted only while somebody waits for
/// it: a handler busy with other things is not the caller's fault.
struct RequestBody {
    incoming: Incoming,
    stall_timeout: Duration,
    until: Instant,
    /// Made when the body first stalls; most arrive together with their head.
    timer: Option<Pin<Box<Sleep>>>,
    stalled: bool,
}

impl RequestBody {
    fn new(incoming: Incoming, pulse: &Pulse) -> Self {
        let settings = pulse.settings();
        Self {
            incoming,
            stall_timeout: settings.body_timeout,
            until: Instant::now() + settings.body_total_timeout,
            timer: None,
            stalled: false,
        }
    }

    /// Whether the wait for a next byte is over.
    fn waited_enough(&mut self, context: &mut Context<'_>) -> bool {
        let deadline = || (Instant::now() + self.stall_timeout).min(self.until);
        let timer = match &mut self.timer {
            None => self.timer.insert(Box::pin(tokio::time::sleep_until(deadline()))),
            Some(timer) => {
                if !self.stalled {
                    timer.as_mut().reset(deadline());
                }
                timer
            }
        };
        self.stalled = true;
        timer.as_mut().poll(context).is_ready()
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match Pin::new(&mut self.incoming).poll_frame(context) {
            Poll::Ready(frame) => {
                self.stalled = false;
                Poll::Ready(frame.map(|frame| frame.map_err(BoxError::from)))
            }
            Poll::Pending if self.waited_enough(context) => Poll::Ready(Some(Err(BodyTimedOut.into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
