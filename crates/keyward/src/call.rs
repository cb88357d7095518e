//! Inside a row: scope → content type → body → syntax → handler → commit → answer.

use crate::base_path::BASE;
use crate::body_room::{Owner, Place};
use crate::limits;
use crate::operation::OperationParts;
use crate::problem::{Problem, RequestId, insert};
use crate::representation::{Preferences, packed_fast, says_gzip, tag_with_related, varies, weak_tag};
use crate::shared::Shared;
use crate::store::{Reads, Store};
use axum::RequestExt;
use axum::body::Body;
use axum::extract::RawPathParams;
use bytes::{Bytes, BytesMut};
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_MATCH,
    IF_NONE_MATCH, LOCATION, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use keyward_core::api_key::{KeyRing, NewSecret};
use keyward_core::clock::{At, Timestamp};
use keyward_core::denial::Denial;
use keyward_core::effect::{Answer, Commit, Context, Ended, Repeatable};
use keyward_core::envelope;
use keyward_core::header::{idempotency_key, is_json};
use keyward_core::idempotency::{Claim, Fingerprint, Scope, is_unguessable};
use keyward_core::input::Fields;
use keyward_core::json::{self, Json, JsonError};
use keyward_core::limits::Limits;
use keyward_core::list::{
    self, Asked, CursorList, CursorPagination, Grammar, Listed, OffsetPagination, Pagination, Window,
};
use keyward_core::live::Live;
use keyward_core::permit::Permit;
use keyward_core::preconditions::Preconditions;
use keyward_core::principal::Principal;
use keyward_core::query::Query;
use keyward_core::random::{RandomError, uuid4};
use keyward_core::rate_limit::{Purpose, Standing};
use keyward_tower::ClientAddress;
use keyward_tower::origin_app::OriginApp;
use serde::Serialize;
use std::sync::{Arc, RwLockReadGuard};
use uuid::Uuid;

const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A request that may be answered: its input, read and well-formed.
///
/// It shows a handler what it may see: the reads of the store and what is known, not its `commit`. It holds headers and a
/// body, which can be secret, so it is not printed.
pub(crate) struct Call {
    parts: Arc<OperationParts>,
    pub(crate) id: Uuid,
    pub(crate) address: ClientAddress,
    pub(crate) query: Query,
    /// Whether the flag that the operation takes in its query is `true`.
    pub(crate) flag: bool,
    /// What the state must be that is changed.
    pub(crate) conditions: Preconditions,
    body: Option<Json>,
    replay: Option<(Uuid, Fingerprint)>,
    path_ids: Vec<String>,
    headers: HeaderMap,
    origin_app: String,
}

/// How reads and writes stand; `None`: unlimited.
pub(crate) type Standings = [Option<Standing>; 2];

/// What a reading handler answers.
#[derive(Debug)]
pub(crate) struct Reply {
    data: Vec<u8>,
    pagination: Option<Vec<u8>>,
    etag: Option<String>,
}

impl Reply {
    /// This data.
    pub(crate) fn new<T: Serialize>(data: &T) -> Self {
        // Absent: never, plain structs and maps with text keys always serialise.
        Self { data: serde_json::to_vec(data).unwrap_or_default(), pagination: None, etag: None }
    }

    /// A page of a list, with a weak `ETag` over what it shows.
    pub(crate) fn page<T: Serialize, P: Serialize>(items: &[T], pagination: &P) -> Self {
        let Self { data, .. } = Self::new(&items);
        // Absent: never, likewise.
        let pagination = serde_json::to_vec(pagination).unwrap_or_default();
        let etag = Some(weak_tag(&[&data, &pagination]));
        Self { data, pagination: Some(pagination), etag }
    }

    /// With an `ETag`.
    pub(crate) fn with_etag(self, etag: String) -> Self {
        Self { etag: Some(etag), ..self }
    }

    /// With an `ETag` that names this version and the related records that are shown with it.
    pub(crate) fn with_etag_and_related(self, version: &str) -> Self {
        Self { etag: Some(tag_with_related(version, &self.data)), ..self }
    }
}

impl Call {
    /// What the store can read.
    pub(crate) fn reads(&self) -> &dyn Reads {
        &*self.parts.store
    }

    /// What is known now.
    pub(crate) fn live(&self) -> RwLockReadGuard<'_, Live> {
        self.parts.shared.directory.read()
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.parts.shared.clock.now()
    }

    /// What applies to a caller, and how its reads and writes stand now.
    pub(crate) fn limits(&self, who: &Principal) -> (Limits, Standings) {
        let limits = self.parts.charger.of_caller(who);
        let standing = |purpose| {
            limits::charge(who, purpose, &limits).map(|charge| self.parts.shared.limiter.standing(charge))
        };
        (limits, [standing(Purpose::Reads), standing(Purpose::Writes)])
    }

    /// Makes and admits keys.
    pub(crate) fn ring(&self) -> &KeyRing {
        &self.parts.shared.ring
    }

    /// A new secret for a key.
    pub(crate) fn mint(&self) -> Result<NewSecret, RandomError> {
        self.parts.shared.ring.mint(&*self.parts.shared.random)
    }

    /// The body, where the operation needs one.
    pub(crate) fn body(&self) -> Result<&Json, Denial> {
        self.body.as_ref().ok_or(Denial::JsonMalformed(JsonError::Empty))
    }

    /// The body, where the operation can do without.
    pub(crate) fn body_if_any(&self) -> Option<&Json> {
        self.body.as_ref()
    }

    /// For operations whose body, if there is one at all, is an object without members.
    pub(crate) fn no_members(&self) -> Result<(), Denial> {
        match &self.body {
            None => Ok(()),
            Some(body) => Fields::of(body).and_then(Fields::finish).map_err(Denial::Invalid),
        }
    }

    /// What the query asks of a list. Whatever else is in the query is unknown.
    pub(crate) fn ask(&mut self, grammar: &Grammar) -> Result<Asked, Denial> {
        let asked = list::read(grammar, &mut self.query)?;
        self.finish_query()?;
        Ok(asked)
    }

    /// The part of this list that is asked for.
    pub(crate) fn window(&self, list: CursorList<'_>, asked: &Asked) -> Result<Window, Denial> {
        // Absent: from the beginning.
        let after =
            asked.cursor.as_deref().map_or(Ok(0), |cursor| self.parts.shared.cursors.open(list, cursor))?;
        Ok(asked.window(after))
    }

    /// The `pagination` of a page of this list that ends with the item of that id.
    pub(crate) fn pagination<T>(
        &self,
        list: CursorList<'_>,
        asked: &Asked,
        listed: &Listed<T>,
        id: impl Fn(&T) -> i64,
    ) -> Pagination {
        let (total, limit, has_more) = (listed.total, asked.limit, listed.has_more);
        if let Some(offset) = asked.offset {
            return Pagination::Offset(OffsetPagination { total, limit, offset, has_more });
        }
        let last = listed.up_to.or_else(|| listed.items.last().map(id)).filter(|_| has_more);
        Pagination::Cursor(CursorPagination {
            total,
            limit,
            cursor: asked.cursor.clone(),
            has_more,
            next_cursor: last.map(|last| self.parts.shared.cursors.sign(list, last)),
        })
    }

    /// The id in the path as it was sent; empty where the path has none.
    pub(crate) fn path_id(&self) -> &str {
        // Absent: empty, which no id is.
        self.path_ids.first().map_or("", String::as_str)
    }

    /// The second id in the path as it was sent; empty where the path has one only.
    pub(crate) fn second_path_id(&self) -> &str {
        // Absent: empty, which no id is.
        self.path_ids.get(1).map_or("", String::as_str)
    }

    /// A random UUID.
    pub(crate) fn uuid(&self) -> Result<Uuid, RandomError> {
        uuid4(&*self.parts.shared.random)
    }

    /// What it says of the representation that it wants.
    pub(crate) fn preferences(&self) -> Preferences {
        Preferences::of(&self.headers)
    }

    /// Whether there was an `Authorization` at all, and what it said.
    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.headers.get(AUTHORIZATION)
    }

    /// Refuses an `Idempotency-Key` under which an answer with a secret could not be kept: its retry would be told no more than that
    /// it was done.
    pub(crate) fn refuse_guessable(&self) -> Result<(), Denial> {
        match self.replay {
            Some((key, _)) if !is_unguessable(key) => Err(Denial::IdempotencyKeyGuessable),
            Some(_) | None => Ok(()),
        }
    }

    /// Ends the reading of the query: what no one took is unknown. For operations without parameters, the whole query.
    pub(crate) fn finish_query(&mut self) -> Result<(), Denial> {
        std::mem::take(&mut self.query).finish()
    }

    /// What the request claims, if it is to be executed once.
    fn claim<E: Repeatable>(&self, permit: &Permit<E::Action>) -> Result<Option<Claim>, Problem> {
        let Some((key, fingerprint)) = self.replay else { return Ok(None) };
        let scope = Scope {
            account: E::IN_ACCOUNT.then(|| permit.member()).transpose()?.map(|member| member.account),
            user: permit.principal()?.user,
        };
        Ok(Some(self.parts.shared.claims.claim(scope, key, fingerprint, &*self.parts.shared.random)?))
    }

    fn context(&self) -> Context {
        Context { request_id: self.id, address: self.address.known(), origin_app: self.origin_app.clone() }
    }
}

/// The principal of a request behind the guard.
pub(crate) fn principal(request: &mut Request<Body>) -> Result<Principal, Denial> {
    // The guard stands outside every row of callers, so a principal is there.
    request.extensions_mut().remove().ok_or(Denial::CredentialMissing)
}

/// The ids in the path as they were sent.
pub(crate) async fn path_ids(request: &mut Request<Body>) -> Vec<String> {
    let params = request.extract_parts::<RawPathParams>().await;
    // Absent: no ids, by which nothing is found.
    params.map(|params| params.iter().map(|(_, id)| id.to_owned()).collect()).unwrap_or_default()
}

/// Reads a request's input, step by step in the order of the contract. `replays` says whether the operation may carry
/// an `Idempotency-Key`; the others ignore it. The body takes room of `owner`'s share.
pub(crate) async fn read(
    parts: &Arc<OperationParts>,
    replays: bool,
    owner: Owner,
    mut request: Request<Body>,
) -> Result<Call, Denial> {
    let path_ids = path_ids(&mut request).await;
    let id = RequestId::of(request.extensions());
    // Absent: the default is no address, which no range holds.
    let from: ClientAddress = request.extensions().get().copied().unwrap_or_default();
    // Absent: where the name is asked for, a request without it was refused.
    let origin_app = request.extensions().get().map_or_else(String::new, |OriginApp(name)| name.to_string());
    let (head, body) = request.into_parts();
    let reads_body = !matches!(head.method, Method::GET | Method::HEAD);
    let bytes = if reads_body {
        let room = parts.bodies.place(owner, from);
        read_body(&head.headers, body, parts.shared.limits.body_bytes, room).await?
    } else {
        Bytes::new()
    };
    let body =
        if bytes.is_empty() { None } else { Some(json::parse(&bytes).map_err(Denial::JsonMalformed)?) };
    let query = Query::parse(head.uri.query())?;
    let conditions = conditions(&head.method, &head.headers)?;
    let key = head.headers.get("idempotency-key").filter(|_| replays);
    let key = key.map(|key| idempotency_key(key.as_bytes())).transpose()?;
    let (uri, method) = (&head.uri, head.method.as_str());
    // Absent: no query and an empty one ask for the same.
    let says = || Fingerprint::of(method, uri.path(), uri.query().unwrap_or_default(), body.as_ref());
    let replay = key.map(|key| (key, says()));
    Ok(Call {
        parts: Arc::clone(parts),
        id,
        address: from,
        query,
        flag: false,
        conditions,
        body,
        replay,
        path_ids,
        headers: head.headers,
        origin_app,
    })
}

/// What a write asks of the state that it changes. A read is asked for anyway.
fn conditions(method: &Method, headers: &HeaderMap) -> Result<Preconditions, Denial> {
    if method.is_safe() {
        return Ok(Preconditions::NONE);
    }
    let fields = |name| headers.get_all(name).iter().map(HeaderValue::as_bytes);
    Preconditions::parse(fields(IF_MATCH), fields(IF_NONE_MATCH))
}

async fn read_body(headers: &HeaderMap, body: Body, limit: usize, room: Place) -> Result<Bytes, Denial> {
    if is_declared(headers) {
        is_taken(headers)?;
        return gathered(body, limit, room).await;
    }
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if headers.contains_key(CONTENT_TYPE) {
        is_taken(headers)?;
    }
    // On HTTP/2 nothing need be declared (RFC 9113 §8.1.1): whether there is a body shows when its first byte comes.
    let bytes = gathered(body, limit, room).await?;
    if !bytes.is_empty() {
        is_taken(headers)?;
    }
    Ok(bytes)
}

/// Whether a body is of a kind that is read.
fn is_taken(headers: &HeaderMap) -> Result<(), Denial> {
    content_type(headers)?;
    content_encoding(headers)
}

fn is_declared(headers: &HeaderMap) -> bool {
    let declared = headers
        .get(CONTENT_LENGTH)
        .is_some_and(|length| length.as_bytes().iter().any(|digit| *digit != b'0'));
    declared || headers.contains_key(TRANSFER_ENCODING)
}

fn content_type(headers: &HeaderMap) -> Result<(), Denial> {
    let got = headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    match got {
        Some(got) if is_json(&got) => Ok(()),
        Some(got) => Err(Denial::ContentTypeUnsupported(got.chars().take(100).collect())),
        None => Err(Denial::ContentTypeUnsupported("none".to_owned())),
    }
}

/// Bodies are read as they are: a compressed one would be read as another one.
fn content_encoding(headers: &HeaderMap) -> Result<(), Denial> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    match codings.find(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        None => Ok(()),
        Some(coding) => {
            let got = String::from_utf8_lossy(coding.as_bytes()).chars().take(100).collect();
            Err(Denial::ContentEncodingUnsupported(got))
        }
    }
}

/// A whole body, within this limit, the room of its owner and the time that the room allows. The room is given back at the end
/// of the reading, however it ends.
pub(crate) async fn gathered(body: Body, limit: usize, mut room: Place) -> Result<Bytes, Denial> {
    let deadline = room.open()?;
    let reading = tokio::time::timeout(deadline, gather(body, limit, &mut room));
    // Absent: a body that could not be read is refused.
    reading.await.unwrap_or(Err(Denial::BodyUnreadable))
}

async fn gather(body: Body, limit: usize, room: &mut Place) -> Result<Bytes, Denial> {
    let mut body = Limited::new(body, limit);
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match error.is::<LengthLimitError>() {
            true => Denial::BodyTooLarge(limit),
            false => Denial::BodyUnreadable,
        })?;
        if let Ok(data) = frame.into_data() {
            room.grow(data.len())?;
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole.freeze())
}

/// Executes an effect and answers it.
pub(crate) async fn commit<E: Repeatable>(
    call: Call,
    effect: E,
    permit: Permit<E::Action>,
) -> Result<Response<Body>, Problem>
where
    dyn Store: Commit<E>,
{
    let (context, claim) = (call.context(), call.claim::<E>(&permit)?);
    match Commit::<E>::commit(&*call.parts.store, effect, permit, context, claim, At::Store).await? {
        Ended::Done(_, answer) => Ok(written(&call.parts.shared.public_url, answer)),
        Ended::Replayed(answer) => {
            let mut response = written(&call.parts.shared.public_url, answer);
            insert(response.headers_mut(), IDEMPOTENCY_REPLAYED, "true");
            Ok(response)
        }
        Ended::Refused(denial) => Err(denial.into()),
    }
}

fn written(public_url: &str, answer: Answer) -> Response<Body> {
    let mut response = json_response(answer.status, answer.body);
    if let Some(etag) = &answer.etag {
        insert(response.headers_mut(), ETAG, etag);
    }
    if let Some(path) = &answer.location {
        insert(response.headers_mut(), LOCATION, &format!("{public_url}{BASE}{path}"));
    }
    response
}

/// Puts a reading handler's reply into the envelope. 304 to a client that has it already; a list is compressed where that is asked
/// for.
pub(crate) fn reply(shared: &Shared, (id, prefers): (Uuid, &Preferences), reply: &Reply) -> Response<Body> {
    let is_known = reply.etag.as_ref().is_some_and(|etag| prefers.has(etag));
    let mut response = if is_known {
        not_modified()
    } else {
        let body = envelope::success(id, shared.clock.now(), &reply.data, reply.pagination.as_deref());
        in_json(body, prefers.gzip() && reply.pagination.is_some())
    };
    if let Some(etag) = &reply.etag {
        insert(response.headers_mut(), ETAG, etag);
    }
    if reply.pagination.is_some() {
        varies(response.headers_mut());
    }
    response
}

/// The client has it already (RFC 9110 §15.4.5).
fn not_modified() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn in_json(body: Vec<u8>, pack: bool) -> Response<Body> {
    match pack.then(|| packed_fast(&body)).flatten() {
        None => json_response(200, body),
        Some(packed) => {
            let mut response = json_response(200, packed);
            says_gzip(response.headers_mut());
            response
        }
    }
}

fn json_response(status: u16, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    // Absent: never, it is one that `render` named.
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
