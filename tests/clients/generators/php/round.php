<?php
// The round of calls with the client that openapi-generator has made. Usage: round.php LIB, the folder of the client; BASE and
// KEY are in the environment.
require 'GuzzleHttp/autoload.php';
set_error_handler(function ($level, $message, $file, $line) {
    throw new ErrorException($message, 0, $level, $file, $line);
});
spl_autoload_register(function ($class) use ($argv) {
    if (str_starts_with($class, 'Lev\\')) {
        require $argv[1] . '/' . str_replace('\\', '/', substr($class, 4)) . '.php';
    }
});

const APP = 'round';

function configured(string $key): Lev\Configuration
{
    return (new Lev\Configuration())->setHost(getenv('BASE'))->setAccessToken($key);
}

function insist(bool $holds, mixed $what = null): void
{
    if (!$holds) {
        throw new Exception(print_r($what, true));
    }
}

$http = new GuzzleHttp\Client();
$mine = configured(getenv('KEY'));
[$deals, $keys] = [new Lev\Api\DealsApi($http, $mine), new Lev\Api\APIKeysApi($http, $mine)];
$now = new DateTimeImmutable();
$at = fn (string $offset): DateTime => DateTime::createFromImmutable($now->modify($offset));

$body = (new Lev\Model\PostDealsRequest())
    ->setTitle('Round')
    ->setLoanAmount(16777217.25)
    ->setLoanType('construction')
    ->setEstimatedCloseDate(new DateTime('2027-03-31'));
$made = $deals->postDeals(x_origin_app: APP, post_deals_request: $body)->getData();
echo 'made ', $made->getLoanAmount(), "\n";
$read = $deals->getDealsDealId(x_origin_app: APP, deal_id: $made->getId())->getData();
echo 'read ', $read->getLoanAmount(), ', to close on ', $read->getEstimatedCloseDate()->format('Y-m-d'), "\n";
$from = fn (DateTime $time): int => count($deals->getDeals(
    x_origin_app: APP,
    filter_loan_type: ['construction', 'land'],
    filter_loan_amount: [16777217.25],
    // This generator writes a time in a body, and none in a query: there it wants the text.
    filter_created_at_gte: $time->format(DATE_ATOM),
)->getData());
echo 'found ', $from($at('-1 hour')), ' made since an hour ago, ', $from($at('+1 hour')), " made an hour from now\n";
$change = (new Lev\Model\PatchDealsDealIdRequest())->setLoanAmount(16777217.5);
$changed = $deals->patchDealsDealId(
    x_origin_app: APP,
    deal_id: $made->getId(),
    patch_deals_deal_id_request: $change,
)->getData();
echo 'changed to ', $changed->getLoanAmount(), "\n";

[$seen, $cursor] = [[], null];
do {
    $page = $deals->getDeals(x_origin_app: APP, limit: 2, cursor: $cursor);
    foreach ($page->getData() as $deal) {
        $seen[$deal->getId()] = true;
    }
    $cursor = $page->getPagination()->getNextCursor();
} while ($cursor !== null);
insist(isset($seen[$made->getId()]) && count($seen) === $page->getPagination()->getTotal(), $page->getPagination());
echo "walked over all deals\n";
insist($deals->deleteDealsDealId(x_origin_app: APP, deal_id: $made->getId())->getData()->getDeleted());
insist($deals->getDealsDealId(x_origin_app: APP, deal_id: $made->getId())->getData()->getArchived());
echo "archived\n";

$status = function (string $secret) use ($http): int {
    try {
        return (new Lev\Api\AccountApi($http, configured($secret)))->getMeWithHttpInfo(APP)[1];
    } catch (Lev\ApiException $refused) {
        return $refused->getCode();
    }
};
$wanted = (new Lev\Model\PostApiKeysRequest())->setLabel('round')->setExpiresAt($at('+1 day'));
$key = $keys->postApiKeys(x_origin_app: APP, post_api_keys_request: $wanted)->getData();
insist(abs($key->getExpiresAt()->getTimestamp() - $at('+1 day')->getTimestamp()) < 2, $key);
insist($status($key->getApiKey()) === 200);
echo "a key that ends in a day works\n";
$rotated = $keys->postApiKeysKeyIdRotate(x_origin_app: APP, key_id: $key->getId())->getData();
insist($status($rotated->getApiKey()) === 200);
echo 'rotated: the new secret works, the old one is ', $status($key->getApiKey()), "\n";
insist($keys->deleteApiKeysKeyId(x_origin_app: APP, key_id: $key->getId())->getData()->getDeleted());
echo 'revoked: ', $status($rotated->getApiKey()), "\n";
